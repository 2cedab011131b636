"""Real processes on ports the kernel chose; nothing here waits a fixed time."""
import pytest

from processes import Agent, Hub
from lineage import Tree


@pytest.fixture
def hub(tmp_path):
    h = Hub(tmp_path / 'hub')
    h.start()
    yield h
    h.finish()


@pytest.fixture
def tree(tmp_path):
    """An /etc/letsencrypt of our own with one lineage, and its logs."""
    t = Tree(tmp_path / 'letsencrypt')
    t.add('one.example.com')
    return t


@pytest.fixture
def lone_agent(tmp_path):
    """An agent that has joined nothing."""
    a = Agent(tmp_path / 'agent')
    a.start()
    yield a
    a.finish()


@pytest.fixture
def agent(hub, lone_agent, tree):
    """An agent that has joined and watches the tree, as set in the hub."""
    lone_agent.join(hub)
    hub.watch_tree(lone_agent.instance_id, tree)
    return lone_agent


@pytest.hookimpl(tryfirst=True, hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failed test shows the last words of its processes."""
    outcome = yield
    report = outcome.get_result()
    if report.when == 'call' and report.failed and 'tmp_path' in item.funcargs:
        for log in sorted(item.funcargs['tmp_path'].glob('**/*.log')):
            lines = log.read_text(errors='replace').split('\n')[-40:]
            report.sections.append((str(log), '\n'.join(lines)))
