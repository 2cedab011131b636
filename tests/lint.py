#!/usr/bin/env python3
"""House rules that the compiler does not check; prints each break, fails on any."""
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
FORBIDDEN = r'\b(system|popen|gets|strcpy|strcat|sprintf|tmpnam|mktemp)\s*\('
UNFINISHED = r'\b(TODO|FIXME|XXX|HACK)\b'
MAX_LINES = 800
found = []


def say(path, line, text):
    found.append(f'{path}:{line}: {text}')


def tracked():
    names = subprocess.run(['git', 'ls-files', '-co', '--exclude-standard'],
                           cwd=TOP, capture_output=True, text=True,
                           check=True).stdout.split('\n')
    return [n for n in names if n and '/vendor/' not in n
            and not n.startswith(('tests/fixtures/', 'tests/vectors/'))
            and (TOP / n).is_file()]


def blank_literals(code):
    """Comments and literals become blanks, lines stay where they are."""
    return re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'',
                  lambda m: re.sub(r'[^\n]', ' ', m.group(0)), code,
                  flags=re.S)


def check_c(name, text):
    code = blank_literals(text)
    for i, line in enumerate(text.split('\n'), 1):
        if re.match(r'#\s*include\s*"\.\./', line):
            say(name, i, 'an include that climbs: link the target instead')
        if 'cJSON.h' in line and name != 'base/json/json.c':
            say(name, i, 'only base/json/json.c sees cJSON')
        if re.match(r'typedef\s+struct', line):
            say(name, i, 'structs are never typedefs')
    for i, line in enumerate(code.split('\n'), 1):
        if re.search(FORBIDDEN, line):
            say(name, i, 'a call we do not use: ' + line.strip())
    if text.count('\n') > MAX_LINES and not name.startswith('tests/'):
        say(name, 1, f'over {MAX_LINES} lines: two things live here')


def check_links():
    """agent and hub never link each other; protocol links no I/O."""
    for path in TOP.glob('*/**/CMakeLists.txt'):
        name = str(path.relative_to(TOP))
        text = path.read_text()
        other = {'agent': 'hub_', 'hub': 'agent_'}.get(name.split('/')[0])
        if other and re.search(r'\b' + other, text):
            say(name, 1, f'links a target of the other side ({other}...)')
        if name == 'protocol/CMakeLists.txt' and re.search(
                r'base_(sys|db|http|mqtt|conf)', text):
            say(name, 1, 'protocol uses the pure parts of base only')


def main():
    for name in tracked():
        try:
            text = (TOP / name).read_text(encoding='utf-8')
        except UnicodeDecodeError:
            continue
        if name.endswith(('.c', '.h')):
            check_c(name, text)
        if name != 'tests/lint.py' and not name.endswith('.json'):
            for i, line in enumerate(text.split('\n'), 1):
                if re.search(UNFINISHED, line):
                    say(name, i, 'unfinished: ' + line.strip())
    for folder in ('base', 'protocol', 'agent', 'hub'):
        for sub in [TOP / folder, *(TOP / folder).iterdir()]:
            if sub.is_dir() and list(sub.glob('*.c')) and not (
                    sub / 'README.md').is_file():
                say(sub.relative_to(TOP), 1, 'a folder without README.md')
    check_links()
    print('\n'.join(found) or 'lint: nothing found')
    return bool(found)


sys.exit(main())
