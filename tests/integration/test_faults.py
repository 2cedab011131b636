"""kill -9, lost disks, copies: the hub ends up with exactly what the agent has."""
import os
import shutil
import signal

import pytest

from processes import Agent, Hub, wait_for


def same(hub, agent, names):
    """The hub shows these names, once each, and the digests are equal."""
    i = agent.instance_id
    wait_for(f'names {names}', lambda: hub.names(i) == sorted(names), 30)

    def equal():
        mine = agent.status()['replica']
        its = hub.instance(i)['replica']
        return mine['digest'] == its['digest'] and mine['head'] == its['rev']
    wait_for('equal digests', equal, 30)


def test_kill_the_agent(hub, agent, tree):
    same(hub, agent, ['one.example.com'])
    agent.kill()
    tree.add('two.example.com')
    agent.start()
    same(hub, agent, ['one.example.com', 'two.example.com'])


def test_kill_the_hub(hub, agent, tree):
    same(hub, agent, ['one.example.com'])
    hub.kill()
    tree.add('two.example.com')
    tree.remove('one.example.com')
    hub.start()
    same(hub, agent, ['two.example.com'])


def test_kill_the_broker(hub, agent, tree):
    same(hub, agent, ['one.example.com'])
    before = hub.broker_pid()
    os.kill(before, signal.SIGKILL)
    tree.add('two.example.com')
    same(hub, agent, ['one.example.com', 'two.example.com'])
    assert hub.broker_pid() != before


def test_kill_all_three(hub, agent, tree):
    same(hub, agent, ['one.example.com'])
    os.kill(hub.broker_pid(), signal.SIGKILL)
    hub.kill()
    agent.kill()
    tree.add('two.example.com')
    hub.start()
    agent.start()
    same(hub, agent, ['one.example.com', 'two.example.com'])


def test_the_broker_loses_its_disk(hub, agent, tree):
    same(hub, agent, ['one.example.com'])
    os.kill(hub.broker_pid(), signal.SIGKILL)
    for f in (hub.state / 'broker').glob('*.db*'):
        f.unlink()
    tree.add('two.example.com')
    same(hub, agent, ['one.example.com', 'two.example.com'])


@pytest.mark.parametrize('which', ['hub', 'agent'])
def test_power_cut_copy_of_the_state(hub, agent, tree, which):
    """A copy taken while running, as a power cut leaves it, starts and heals."""
    same(hub, agent, ['one.example.com'])
    p = {'hub': hub, 'agent': agent}[which]
    copy = p.state.with_name(p.state.name + '.copy')
    shutil.copytree(p.state, copy, ignore=shutil.ignore_patterns(
        'ctl.sock', '*.sock'))
    tree.add('two.example.com')
    same(hub, agent, ['one.example.com', 'two.example.com'])
    p.kill()
    shutil.rmtree(p.state)
    copy.rename(p.state)
    p.start()
    same(hub, agent, ['one.example.com', 'two.example.com'])


def test_settings_made_while_the_agent_is_away_come_in_order_once(
        hub, agent, tree, tmp_path):
    from processes import certbot_settings
    same(hub, agent, ['one.example.com'])
    i = agent.instance_id
    agent.stop()
    for interval in (100, 200, 400):
        last = hub.put_settings(i, certbot_settings(
            tree.root, tree.logs, interval))
    agent.start()
    wait_for('applied', lambda: hub.applied(i, last), 30)
    reported = hub.settings(i)['reported']
    assert reported['values']['scanIntervalSeconds'] == 400
    assert reported['appliedRev'] == last


def test_the_policy_refuses_roots_outside_and_says_how_to_allow(
        hub, tmp_path, tree):
    from processes import certbot_settings
    a = Agent(tmp_path / 'narrow', roots=('/etc/letsencrypt',))
    a.start()
    try:
        a.join(hub)
        i = a.instance_id
        hub.put_settings(i, certbot_settings(tree.root, tree.logs))

        def refused():
            r = hub.settings(i)['reported']
            return r and r.get('refused')
        words = str(wait_for('refusal', refused, 15))
        assert 'allow-root' in words
        assert hub.names(i) == [] or 'one.example.com' not in hub.names(i)
    finally:
        a.finish()


def test_the_hub_stops_cleanly_while_pages_connect(hub, agent):
    """Event streams that open at the very end must not bring it down."""
    import ssl
    import threading
    import urllib.request
    context = ssl.create_default_context(cafile=hub.ready()['caFile'])
    ask = urllib.request.Request(
        hub.url + '/api/v1/events',
        headers={'Authorization': f'Bearer {hub.token}'})
    end = threading.Event()

    def connect():
        while not end.is_set():
            try:
                urllib.request.urlopen(ask, timeout=5, context=context).close()
            except OSError:
                pass
    threads = [threading.Thread(target=connect) for _ in range(12)]
    for t in threads:
        t.start()
    try:
        wait_for('a stream', lambda: hub.get('/api/v1/instances') is not None)
        assert hub.stop() == 0
    finally:
        end.set()
        for t in threads:
            t.join()
