"""./certbus as a person uses it."""
import json
import pathlib
import subprocess

import pytest

from processes import TOP, request, wait_for


def certbus(state, *args, check=True):
    done = subprocess.run([str(TOP / 'certbus'), *args, '--state', str(state)],
                          capture_output=True, text=True, timeout=590)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture
def state(tmp_path):
    yield tmp_path / 'state'
    certbus(tmp_path / 'state', 'down', check=False)


def test_up_again_and_again(state):
    first = json.loads(certbus(state, 'up', '--json').stdout)
    assert set(first) == {'hubUrl', 'caFile', 'signInUrl', 'apiTokenFile',
                          'joinKey', 'agents', 'broker'}
    assert set(first['joinKey']) == {'clientId', 'secretFile'}
    assert state.stat().st_mode & 0o777 == 0o700
    agent, = first['agents']
    assert request(agent['localUrl'] + '/api/system/status').json()[
        'instanceId'] == agent['instanceId']
    pids = certbus(state, 'status').stdout

    second = json.loads(certbus(state, 'up', '--json').stdout)
    assert {k: v for k, v in second.items() if k != 'signInUrl'} == {
        k: v for k, v in first.items() if k != 'signInUrl'}
    assert certbus(state, 'status').stdout.split(',')[:2] == \
        pids.split(',')[:2], 'a running hub was touched'

    hub_pid = json.loads((state / 'hub/ready.json').read_text())['pid']
    subprocess.run(['kill', '-9', str(hub_pid)], check=True)
    third = json.loads(certbus(state, 'up', '--json').stdout)
    assert third['hubUrl'] == first['hubUrl']
    assert third['agents'] == first['agents']
    assert third['broker'] == first['broker'], 'agents know that address'
    assert 'connected' in certbus(state, 'status').stdout

    more = json.loads(certbus(state, 'add-agent', '--json').stdout)
    assert set(more) == {'instanceId', 'localUrl', 'stateDir'}
    assert more['instanceId'] != agent['instanceId']
    alone = json.loads(certbus(state, 'add-agent', '--no-join',
                               '--json').stdout)
    assert alone['instanceId'] is None
    assert request(alone['localUrl'] + '/api/system/appversion').status == 200

    text = certbus(state, 'up').stdout
    assert first['hubUrl'] in text and 'sign-in#token=' in text
    certbus(state, 'down')
    assert (state / 'hub/hub.db').exists()
    assert certbus(state, 'status', check=False).returncode != 0
    certbus(state, 'down', '--purge')
    assert not state.exists()


def test_it_does_not_take_a_directory_that_is_not_its_own(tmp_path):
    (tmp_path / 'mine').write_text('x')
    done = certbus(tmp_path, 'up', check=False)
    assert done.returncode != 0 and 'another --state' in done.stderr
    assert sorted(pathlib.Path(tmp_path).iterdir()) == [tmp_path / 'mine']
