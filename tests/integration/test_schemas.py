"""Every example of schemas/examples: the schema and our decoder must agree."""
import json
import os
import pathlib
import re
import subprocess

import jsonschema
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
SCHEMAS = TOP / 'schemas'
BUILD = pathlib.Path(os.environ.get('CERTBUS_BUILD', TOP / 'build' / 'dev'))
DECODER = BUILD / 'tests' / 'unit' / 'protocol' / 'decode-check'

FILES = {p.name[:-len('.schema.json')]: json.loads(p.read_text())
         for p in sorted(SCHEMAS.glob('*.schema.json'))}
STORE = {s['$id']: s for s in FILES.values()}
EXAMPLES = sorted((SCHEMAS / 'examples').glob('*/*/*.json'))


def validator(message):
    schema = FILES[message]
    resolver = jsonschema.RefResolver.from_schema(schema, store=STORE)
    return jsonschema.Draft202012Validator(schema, resolver=resolver)


@pytest.mark.parametrize('message', sorted(FILES))
def test_a_schema_is_one_and_has_examples_of_both_sorts(message):
    jsonschema.Draft202012Validator.check_schema(FILES[message])
    if message != 'common':
        for sort in ('valid', 'invalid'):
            folder = SCHEMAS / 'examples' / message / sort
            assert list(folder.glob('*.json')), f'{folder} has no example'


@pytest.mark.parametrize(
    'path', EXAMPLES, ids=lambda p: '/'.join(p.parts[-3:]))
def test_schema_and_decoder_agree_on_an_example(path):
    message, sort = path.parts[-3:-1]
    text = path.read_bytes()
    errors = [e.message for e in validator(message).iter_errors(
        json.loads(text))]
    ours = subprocess.run([DECODER, message], input=text,
                          capture_output=True, timeout=30)
    assert ours.returncode in (0, 1), ours.stderr.decode()
    verdicts = {'schema': not errors, 'decoder': ours.returncode == 0}
    assert verdicts == dict.fromkeys(verdicts, sort == 'valid'), (
        errors, ours.stderr.decode())


def test_every_schema_that_is_named_exists():
    for name, schema in FILES.items():
        text = json.dumps(schema)
        for part in text.split('"$ref": "')[1:]:
            target = part.split('"')[0].split('#')[0]
            assert not target or (SCHEMAS / target).is_file(), (name, target)
    topics = (SCHEMAS / 'asyncapi.yaml').read_text()
    named = re.findall(r"\$ref: '\./([^']+)'", topics)
    assert len(named) == 4
    assert all((SCHEMAS / target).is_file() for target in named)
