"""The documented curl line, and every way in which it goes wrong."""
import json
import os
import pwd
import socket
import subprocess

import pytest

from processes import Agent, request, wait_for

JSON = {'Content-Type': 'application/json'}


def test_the_documented_line_joins_within_seconds(hub, lone_agent):
    body = json.dumps({**hub.join_key, 'url': hub.url})
    done = subprocess.run(
        ['curl', '-s', '--max-time', '3', '-X', 'POST',
         lone_agent.local_url + '/api/system/hub/join', '-H',
         'Content-Type: application/json', '-d', body],
        capture_output=True, text=True)
    answer = json.loads(done.stdout)
    assert answer['state'] == 'joined'
    wait_for('in the list', lambda: answer['instanceId'] in [
        i['id'] for i in hub.instances() if i['state'] == 'online'], 5)


def test_the_secret_is_in_no_log_and_no_database(hub, agent):
    secret = hub.join_key['secret'].encode()
    files = [p for top in (hub.state, agent.state) for p in top.rglob('*')
             if p.is_file() and p.name != 'join-key.secret']
    files += [hub.log, agent.log]
    assert len(files) > 10
    assert [str(p) for p in files if secret in p.read_bytes()] == []


def wrong(hub, **change):
    return {**hub.join_key, 'url': hub.url, **change}


def test_a_wrong_secret_and_an_unknown_id_get_the_same_sentence(
        hub, lone_agent):
    other = 'cbj_' + 'A' * 43
    a = lone_agent.post_join(wrong(hub, secret=other))
    b = lone_agent.post_join(wrong(hub, clientId='nobody'))
    assert a.status == b.status and a.status >= 400
    assert a.json()['detail'] == b.json()['detail']
    assert 'secret' in a.json()['detail']
    assert hub.join_key['secret'] not in a.text + b.text


@pytest.mark.parametrize('change, status, words', [
    ({'secret': 'password'}, 400, 'secret'),
    ({'url': 'ftp://x'}, 400, 'url'),
    ({'url': 'https://127.0.0.1:1'}, 502, '127.0.0.1:1'),
    ({'url': 'https://no-such-host.invalid:9697'}, 502,
     'no-such-host.invalid'),
    ({'clientId': ''}, 400, 'clientId'),
    ({'surplus': 1}, 400, 'surplus'),
    ({'caSha256': '00' * 32}, 502, 'caSha256'),
])
def test_each_mistake_has_its_own_answer(hub, lone_agent, change, status,
                                         words):
    a = lone_agent.post_join(wrong(hub, **change))
    assert a.status == status, a.text
    assert words in a.json()['detail'], a.text
    assert hub.join_key['secret'] not in a.text
    assert lone_agent.status()['state'] != 'joined'


def test_an_expired_key_says_so(hub, lone_agent):
    key = hub.request('/api/v1/join-keys', 'POST',
                      {'expires': '2001-01-01T00:00:00.000Z'})
    if key.status == 201:
        key = key.json()
        a = lone_agent.post_join({'clientId': key['clientId'],
                                  'secret': key['secret'], 'url': hub.url})
        assert a.status == 403 and 'expired' in a.json()['detail'], a.text
    else:
        assert key.status == 400 and 'expires' in key.text


@pytest.mark.parametrize('headers, body, status', [
    ({'Content-Type': 'text/plain'}, '{}', 415),
    (JSON, '{', 400),
    (JSON, 1_000_000, 413),
    ({**JSON, 'Origin': 'https://evil.example'}, '{}', 403),
    ({**JSON, 'Host': 'evil.example'}, '{}', 403),
])
def test_the_endpoint_refuses_what_is_not_a_local_caller(
        lone_agent, headers, body, status):
    if isinstance(body, int):   # so many bytes
        body = 'x' * body
    try:
        a = lone_agent.post_join(body, headers)
    except OSError:
        assert status == 413    # it hung up on the flood before the answer
        return
    assert a.status == status, a.text
    assert a.json()['detail']


def test_another_local_user_is_refused(hub, lone_agent):
    if os.getuid() != 0:
        pytest.fail('needs root: it becomes a second user')
    nobody = pwd.getpwnam('nobody')
    done = subprocess.run(
        ['curl', '-s', '-X', 'POST',
         lone_agent.local_url + '/api/system/hub/join', '-H',
         'Content-Type: application/json', '-d',
         json.dumps({**hub.join_key, 'url': hub.url})],
        capture_output=True, text=True, user=nobody.pw_uid,
        group=nobody.pw_gid, extra_groups=[])
    answer = json.loads(done.stdout)
    assert answer['status'] == 403
    assert 'nobody' in answer['detail'] or str(nobody.pw_uid) in answer['detail']
    assert lone_agent.status()['state'] != 'joined'


def test_a_second_join_needs_rejoin_and_a_failed_one_changes_nothing(
        hub, agent):
    before = agent.instance_id
    again = agent.post_join({**hub.join_key, 'url': hub.url})
    assert again.status == 409 and 'rejoin' in again.json()['detail']
    failed = agent.post_join({**hub.join_key, 'url': hub.url,
                              'secret': 'cbj_' + 'A' * 43, 'rejoin': True})
    assert failed.status >= 400
    assert agent.instance_id == before
    assert hub.instance(before)['state'] == 'online'


def test_rejoin_gives_a_new_identity_and_shows_the_old_as_replaced(hub, agent):
    before = agent.instance_id
    a = agent.post_join({**hub.join_key, 'url': hub.url, 'rejoin': True})
    assert a.status == 200, a.text
    new = a.json()['instanceId']
    assert new != before
    wait_for('new one online', lambda: hub.instance(new)['state'] == 'online')
    assert hub.instance(before)['state'] == 'replaced'


def test_a_pinned_ca_file_joins(hub, lone_agent):
    key = hub.join_key
    secret = lone_agent.state / 'secret'
    secret.write_text(key['secret'])
    done = lone_agent.cli('join', hub.url, '--client-id', key['clientId'],
                          '--secret-file', str(secret), '--ca-file',
                          hub.ready()['caFile'])
    assert done.returncode == 0, done.stdout + done.stderr
    assert lone_agent.status()['state'] == 'joined'


def test_an_impostor_gets_nothing(lone_agent, hub, tmp_path):
    """Another hub that does not know the secret, under the same words."""
    from processes import Hub
    other = Hub(tmp_path / 'other-hub')
    other.start()
    try:
        a = lone_agent.post_join({**hub.join_key, 'url': other.url})
        assert a.status >= 400 and 'impostor' in a.json()['detail']
        assert other.instances() == []
    finally:
        other.finish()


def test_it_listens_on_loopback_only(lone_agent):
    port = int(lone_agent.local_url.rsplit(':', 1)[1])
    try:
        outside = socket.gethostbyname(socket.gethostname())
    except OSError:     # a host that does not know its own name
        outside = '127.0.0.3'
    assert f'//{outside}:' not in lone_agent.local_url
    with pytest.raises(OSError):
        socket.create_connection((outside, port), 1).close()


def test_without_a_hub_status_says_what_to_do(lone_agent):
    done = lone_agent.cli('status')
    assert done.returncode == 3
    assert 'join' in done.stdout
