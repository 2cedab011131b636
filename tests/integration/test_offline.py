"""Trees that the real certbot wrote, and what a right scanner says of them."""
import datetime
import json
import os
import pathlib
import shutil
import subprocess

import pytest

from processes import BUILD, TOP

CASES = sorted((TOP / 'tests/fixtures/certbot').glob('*/expected.json'))
TIMES = {'notBefore': 2, 'notAfter': 2, 'lastSuccess': 2, 'lastAttempt': 2,
         'nextPlanned': 60}
SECRETS = ('PRIVATE KEY PLACEHOLDER', 'FAKE')


def moment(text):
    return datetime.datetime.strptime(
        text, '%Y-%m-%dT%H:%M:%SZ').replace(
            tzinfo=datetime.timezone.utc).timestamp()


def copy_tree(case, to):
    """The tree as it was: git keeps neither links' times, modes nor mtimes."""
    shutil.copytree(case / 'root', to, symlinks=True)
    entries = json.loads((case / 'tree.json').read_text())
    for e in entries:
        path = to / e['path']
        if e['type'] == 'dir':
            path.mkdir(parents=True, exist_ok=True)
        elif e['type'] == 'link':
            path.unlink(missing_ok=True)
            path.symlink_to(e['target'])
    for e in reversed(entries):
        path = to / e['path']
        if e['type'] != 'link':
            if 'privkey' in path.name or 'private_key' in path.name:
                path.unlink()
                os.mkfifo(path)     # to open it is to hang
            path.chmod(int(e['mode'], 8))
            os.utime(path, (moment(e['mtime']),) * 2)
    return to


def scan(root):
    done = subprocess.run(
        [str(BUILD / 'agent/certbus-agent'), 'scan', '--offline', '--sysroot',
         str(root), '--manager', 'certbot', '--json'],
        capture_output=True, text=True, timeout=20)
    assert done.returncode in (0, 5), done.stderr
    assert not [s for s in SECRETS if s in done.stdout]
    return json.loads(done.stdout)


def compare_error(want, got):
    if want is None:
        assert got is None
        return
    assert abs(moment(want['time']) - moment(got['time'])) <= 2
    if want['text'] is None:
        assert got['text'] is None
    else:
        assert got['text'].strip().startswith(want['text'].strip())
    assert got.get('log') == want.get('log')


def compare(want, got):
    if want['status'] == 'invalid':
        assert got['status'] == 'invalid' and got['reason']
    for name, value in want.items():
        have = got.get(name)
        if want['status'] == 'invalid' and have is None:
            continue
        if name == 'notes':
            codes = [n.split(':')[0] for n in have or []]
            assert [n.split(':')[0] for n in value
                    if n.split(':')[0] not in codes] == []
        elif name == 'lastError':
            compare_error(value, have)
        elif name in TIMES and value is not None:
            assert abs(moment(value) - moment(have)) <= TIMES[name], name
        else:
            assert have == value, name


@pytest.mark.parametrize('expected', CASES, ids=[c.parent.name for c in CASES])
def test_tree(expected, tmp_path):
    want = json.loads(expected.read_text())
    got = scan(copy_tree(expected.parent, tmp_path / 'root'))
    records = {r['source']: r for r in got['records']}
    assert sorted(records) == sorted(r['source'] for r in want['records'])
    for record in want['records']:
        compare(record, records[record['source']])
    source, = [s for s in got['sources'] if s['role'] == 'config'
               and s['path'] == want['sourceRoot']]
    assert source['scheduler'] == want['scheduler']


def test_the_file_in_the_way_is_named_and_no_other(tmp_path):
    from lineage import Tree
    tree = Tree(tmp_path / 'etc/letsencrypt')
    for name in ('a.example.com', 'z.example.com'):
        tree.add(name)
    renewal = tree.root / 'renewal'
    (renewal / 'm.conf').symlink_to('m.conf')
    with open(renewal / 'n.conf', 'wb') as f:
        f.truncate(1 << 32)
    records = {r['name']: r for r in scan(tmp_path)['records']}
    for name in ('m', 'n'):
        assert records[name]['status'] == 'unreadable'
        assert f'renewal/{name}.conf' in records[name]['reason']


def test_there_are_trees():
    assert len(CASES) >= 12
