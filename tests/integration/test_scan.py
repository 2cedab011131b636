"""What happens on disk is in the hub within seconds."""
import os

import pytest

from processes import wait_for


def one(hub, name):
    found = [c for c in hub.certificates() if c['name'] == name]
    assert len(found) <= 1, 'a duplicate record'
    return found[0] if found else None


def test_the_facts_of_a_lineage(hub, agent, tree):
    c = wait_for('record', lambda: one(hub, 'one.example.com'), 5)
    assert c['instanceId'] == agent.instance_id
    assert c['sans'] == ['one.example.com']
    assert c['manager'] == 'certbot' and c['issuer'] == 'CN=Test CA'
    assert c['keyType'] == 'ecdsa-p256' and c['health'] == 'healthy'
    assert hub.get(f"/api/v1/certificates/{c['id']}")['sha256'] == c['sha256']


def test_renewed_added_removed_broken(hub, agent, tree):
    serial = wait_for('first', lambda: one(hub, 'one.example.com'), 5)['serial']
    tree.renew('one.example.com')
    wait_for('renewed', lambda: one(hub, 'one.example.com')['serial'] != serial,
             5)
    tree.add('two.example.com', sans=['two.example.com', 'www.two.example.com'])
    wait_for('added', lambda: one(hub, 'two.example.com'), 5)
    (tree.root / 'archive/two.example.com/cert1.pem').write_text('broken')
    wait_for('broken', lambda: one(hub, 'two.example.com')['health']
             not in ('healthy', 'due'), 5)
    tree.remove('two.example.com')
    wait_for('removed', lambda: one(hub, 'two.example.com') is None, 5)
    assert one(hub, 'one.example.com')['health'] == 'healthy'


def test_unreadable_is_shown_with_errno_and_remedy(hub, agent, tree):
    wait_for('first', lambda: one(hub, 'one.example.com'), 5)
    gone = tree.root.with_suffix('.gone')
    tree.root.rename(gone)

    def missing():
        sources = hub.instance(agent.instance_id)['sources']
        return [s for s in sources if s['path'] == str(tree.root)
                and s['state'] == 'missing']
    wait_for('missing', missing, 10)
    gone.rename(tree.root)
    wait_for('back', lambda: one(hub, 'one.example.com'), 65)


def test_a_place_that_is_set_again_is_shown_again(hub, agent, tree, tmp_path):
    from lineage import Tree
    i = agent.instance_id
    other = Tree(tmp_path / 'other')

    def shown(place):
        return lambda: [s for s in hub.instance(i)['sources']
                        if s['path'] == str(place.root)]
    for place in (tree, other, tree):
        hub.watch_tree(i, place)
        wait_for(f'source {place.root}', shown(place), 10)


def test_health_follows_the_share_of_lifetime(hub, agent, tree):
    tree.add('old.example.com', days=90, start_days_ago=85)
    tree.add('gone.example.com', days=90, start_days_ago=91)
    tree.add('sixdays.example.com', days=6, start_days_ago=1)
    wait_for('critical', lambda: one(hub, 'old.example.com')['health']
             == 'critical', 10)
    wait_for('expired', lambda: one(hub, 'gone.example.com')['health']
             == 'expired', 10)
    wait_for('healthy', lambda: one(hub, 'sixdays.example.com')['health']
             == 'healthy', 10)
    first = [c['name'] for c in hub.certificates()][:2]
    assert first == ['gone.example.com', 'old.example.com']
    only = hub.certificates('?health=critical')
    assert [c['name'] for c in only] == ['old.example.com']


def test_paging_and_refusal_of_unknown_filters(hub, agent, tree):
    for i in range(5):
        tree.add(f'n{i}.example.com')
    wait_for('six', lambda: len(hub.certificates()) == 6, 10)
    seen, cursor = [], ''
    while cursor is not None:
        page = hub.get('/api/v1/certificates?limit=2&sort=name' +
                       (f'&cursor={cursor}' if cursor else ''))
        assert page['total'] == 6 and len(page['items']) <= 2
        seen += [c['name'] for c in page['items']]
        cursor = page['next']
    assert seen == sorted(seen) and len(seen) == 6
    assert hub.request('/api/v1/certificates?colour=red').status == 400


def test_scan_is_a_job(hub, agent, tree):
    a = hub.request(f'/api/v1/instances/{agent.instance_id}/scan', 'POST', {})
    assert a.status == 202, a.text
    job = a.json()['jobId']
    done = wait_for('job done', lambda: (lambda j: j if j['state']
                    == 'succeeded' else None)(hub.get(f'/api/v1/jobs/{job}')))
    assert done['type'] == 'scan'


def test_an_unprivileged_agent_shows_what_it_may_not_read(hub, tmp_path, tree):
    """Run as another user: private keys and archive are root's."""
    if os.getuid() != 0:
        pytest.fail('needs root: it starts an agent as another user')
    import processes
    import subprocess

    class Unprivileged(processes.Agent):
        def argv(self):
            return ['setpriv', '--reuid=nobody', '--regid=nogroup',
                    '--clear-groups', *super().argv()]

    for p in tmp_path.parents:
        if p.stat().st_mode & 0o005 != 0o005 and str(p) != '/':
            p.chmod(0o755)
    tmp_path.chmod(0o755)
    a = Unprivileged(tmp_path / 'unprivileged')
    subprocess.run(['chown', '-R', 'nobody:nogroup', str(a.state)], check=True)
    (tree.root / 'archive').chmod(0o700)
    (tree.root / 'live').chmod(0o700)
    a.start()
    try:
        # the hub's own user may be another: join through the control socket
        secret = tmp_path / 'secret'
        secret.write_text(hub.join_key['secret'])
        done = a.cli('join', hub.url, '--client-id',
                     hub.join_key['clientId'], '--secret-file', str(secret))
        assert done.returncode == 0, done.stderr
        hub.watch_tree(a.instance_id, tree)
        c = wait_for('record', lambda: one(hub, 'one.example.com'), 10)
        assert c['health'] == 'unknown'
        full = hub.get(f"/api/v1/certificates/{c['id']}")
        assert 'setfacl' in str(full) or 'root' in str(full)
    finally:
        a.finish()
