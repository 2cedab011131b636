"""A real certbot makes, renews and breaks a lineage; the hub follows."""
import pytest

from acme import Certbot, Pebble
from processes import wait_for


@pytest.fixture
def pebble(tmp_path):
    p = Pebble(tmp_path / 'pebble')
    p.start()
    yield p
    p.stop()


def test_certbot_from_first_issue_to_failure(hub, lone_agent, pebble, tmp_path):
    bot = Certbot(tmp_path / 'certbot', pebble)
    bot.issue('shop.example.com')
    lone_agent.join(hub)
    i = lone_agent.instance_id
    hub.watch_tree(i, bot)

    def shop():
        return next((c for c in hub.certificates(f'?instance={i}')
                     if c['name'] == 'shop.example.com'), None)
    first = wait_for('first issue', shop, 5)
    assert first['health'] == 'healthy' and first['nextRenewal']
    assert first['lastError'] is None

    bot.renew()
    second = wait_for('renewed', lambda: (lambda c: c if c['serial'] !=
                                          first['serial'] else None)(shop()), 5)
    assert second['notAfter'] >= first['notAfter']

    bot.issue('blog.example.com')
    wait_for('second lineage', lambda: hub.names(i) == [
        'blog.example.com', 'shop.example.com'], 5)

    pebble.stop()
    assert bot.renew(check=False).returncode != 0
    failed = wait_for('failure', lambda: (lambda c: c if c['lastError']
                                          else None)(shop()), 5)
    assert failed['health'] in ('warning', 'critical')
    assert failed['serial'] == second['serial']

    bot.run('delete', '--cert-name', 'blog.example.com')
    wait_for('deleted', lambda: hub.names(i) == ['shop.example.com'], 5)
