"""The pages in Chromium: every state alone, then the story with a real hub."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'integration'))

from lineage import Tree  # noqa: E402
from processes import Agent, BUILD, Hub  # noqa: E402

PARTS = ('archive/{0}', 'live/{0}', 'renewal/{0}.conf')


def node(script, env=None):
    done = subprocess.run(['node', script], cwd=HERE, timeout=600,
                          env={**os.environ, **(env or {})})
    assert done.returncode == 0, f'{script}: see above and output/'


def set_aside(tree, name, place):
    """Take a lineage away; the shell command that brings it back."""
    moves = []
    for part in PARTS:
        there = tree.root / part.format(name)
        here = place / part.format(name).replace('/', '-')
        shutil.move(there, here)
        moves.append(f"mv '{here}' '{there}'")
    return ' && '.join(moves)


@pytest.fixture
def story(tmp_path):
    """Hub, agent, one lineage seen; what the story wants to know of them."""
    hub, agent = Hub(tmp_path / 'hub'), Agent(tmp_path / 'agent')
    tree = Tree(tmp_path / 'letsencrypt')
    tree.add('one.example.com')
    tree.add('arrives.example.com', sans=['arrives.example.com',
                                          'www.arrives.example.com'])
    aside = tmp_path / 'aside'
    aside.mkdir()
    (tmp_path / 'elsewhere').mkdir()
    back = set_aside(tree, 'arrives.example.com', aside)
    try:
        hub.start()
        agent.start()
        agent.join(hub)
        hub.watch_tree(agent.instance_id, tree)
        link = subprocess.run(
            [str(BUILD / 'hub/certbus-hub'), 'sign-in-link', '--state',
             str(hub.state)], capture_output=True, text=True, check=True)
        yield {
            'CERTBUS_SIGN_IN_URL': link.stdout.strip(),
            'CERTBUS_HUB_URL': hub.url,
            'CERTBUS_CA': hub.ready()['caFile'],
            'CERTBUS_EXPECT_NAME': 'one.example.com',
            'CERTBUS_INSTANCE': agent.instance_id,
            'CERTBUS_CHANGE_CMD': back,
            'CERTBUS_CHANGE_EXPECT': 'arrives.example.com',
            'CERTBUS_CHANGE_PATH': str(tmp_path / 'elsewhere'),
        }
    finally:
        agent.finish()
        hub.finish()


def test_every_state_of_every_page():
    node('states.mjs')


def test_the_story(story):
    node('story.mjs', story)
