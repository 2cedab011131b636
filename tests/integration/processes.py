"""Hub and Agent as objects: start, kill, ask."""
import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.error
import urllib.request
import ssl

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('CERTBUS_BUILD', TOP / 'build/dev'))


def wait_for(what, check, seconds=15):
    """Ask until check() is true or time is up; its last answer on failure."""
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        try:
            last = check()
            if last:
                return last
        except (OSError, KeyError, ValueError, IndexError, TypeError) as e:
            last = e
        time.sleep(0.05)
    raise AssertionError(f'{what}: not within {seconds} s (last: {last!r})')


def certbot_settings(root, logs, interval=300):
    return {'managers': [{'id': 'certbot', 'enabled': True,
                          'configPath': str(root), 'logPath': str(logs)}],
            'scanIntervalSeconds': interval, 'logLevel': 'info'}


class Process:
    """One daemon with a state directory and a ready.json."""

    def __init__(self, state):
        self.state = pathlib.Path(state)
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.log = self.state.parent / (self.state.name + '.log')
        self.child = None

    def argv(self):
        raise NotImplementedError

    def start(self):
        (self.state / 'ready.json').unlink(missing_ok=True)
        with open(self.log, 'ab') as log:
            self.child = subprocess.Popen(
                self.argv(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for(f'{self.argv()[0]} ready', self._is_ready, 30)

    def _is_ready(self):
        if self.child.poll() is not None:
            raise RuntimeError(f'exited {self.child.returncode}: '
                               + self.log.read_text()[-2000:])
        return self.ready()['pid'] == self.child.pid

    def ready(self):
        return json.loads((self.state / 'ready.json').read_text())

    def kill(self):
        """kill -9."""
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def stop(self):
        self.child.terminate()
        return self.child.wait(20)

    def finish(self):
        if self.child and self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text

    def json(self):
        return json.loads(self.text)


def request(url, method='GET', body=None, headers=None, context=None):
    data = body
    headers = dict(headers or {})
    if isinstance(body, (dict, list)):
        data = json.dumps(body).encode()
        headers.setdefault('Content-Type', 'application/json')
    elif isinstance(body, str):
        data = body.encode()
    r = urllib.request.Request(url, data=data, method=method, headers=headers)
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}),
        urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(r, timeout=20) as a:
            return Answer(a.status, a.headers, a.read().decode())
    except urllib.error.HTTPError as e:
        return Answer(e.code, e.headers, e.read().decode())


class Hub(Process):
    def __init__(self, state, *extra):
        super().__init__(state)
        self.port = self.broker_port = 0
        self.extra = extra

    def argv(self):
        return [str(BUILD / 'hub/certbus-hub'), 'serve', '--state',
                str(self.state), '--port', str(self.port), '--broker-port',
                str(self.broker_port), '--log-level', 'debug', *self.extra]

    def start(self):
        super().start()
        # the same ports after a restart, as ./certbus up keeps them
        self.port = int(self.url.rsplit(':', 1)[1])
        self.broker_port = int(self.ready()['brokerUrl'].rsplit(':', 1)[1])

    @property
    def url(self):
        return self.ready()['hubUrl']

    @property
    def token(self):
        return (self.state / 'api-token').read_text().strip()

    @property
    def join_key(self):
        return {'clientId': (self.state / 'join-key.id').read_text().strip(),
                'secret': (self.state / 'join-key.secret').read_text().strip()}

    def request(self, path, method='GET', body=None, headers=None, token=None):
        context = ssl.create_default_context(cafile=self.ready()['caFile'])
        h = {'Authorization': f'Bearer {token or self.token}'}
        h.update(headers or {})
        return request(self.url + path, method, body, h, context)

    def get(self, path):
        a = self.request(path)
        assert a.status == 200, (path, a.status, a.text)
        return a.json()

    def instances(self):
        return self.get('/api/v1/instances')['items']

    def instance(self, i):
        return self.get(f'/api/v1/instances/{i}')

    def certificates(self, query=''):
        return self.get('/api/v1/certificates' + query)['items']

    def names(self, instance):
        return sorted(c['name']
                      for c in self.certificates(f'?instance={instance}'))

    def settings(self, i):
        return self.get(f'/api/v1/instances/{i}/settings')

    def put_settings(self, i, values):
        """The whole document; the new revision."""
        path = f'/api/v1/instances/{i}/settings'
        etag = self.request(path).headers['ETag']
        a = self.request(path, 'PUT', values, {'If-Match': etag})
        assert a.status == 202, a.text
        return a.json()['revision']

    def applied(self, i, revision):
        return (self.settings(i)['reported'] or {}).get(
            'appliedRev', 0) >= revision

    def watch_tree(self, i, tree):
        """Point the instance's certbot scanner at a tree of the test."""
        revision = self.put_settings(i, certbot_settings(tree.root, tree.logs))
        wait_for('settings applied', lambda: self.applied(i, revision))

    def broker_pid(self):
        return int((self.state / 'broker/mosquitto.pid').read_text())


class Agent(Process):
    def __init__(self, state, roots=('/',)):
        super().__init__(state)
        self.policy = self.state.parent / (self.state.name + '.policy')
        self.policy.write_text('[scan]\n' + ''.join(
            f'allow-root = {r}\n' for r in roots))

    def argv(self):
        return [str(BUILD / 'agent/certbus-agent'), 'run', '--state',
                str(self.state), '--local-port', '0', '--policy',
                str(self.policy), '--log-level', 'debug']

    @property
    def local_url(self):
        return self.ready()['localUrl']

    def post_join(self, body, headers=None):
        return request(self.local_url + '/api/system/hub/join', 'POST', body,
                       headers)

    def join(self, hub, **more):
        a = self.post_join({**hub.join_key, 'url': hub.url, **more})
        assert a.status == 200, a.text
        assert a.json()['state'] == 'joined'
        wait_for('instance online', lambda: hub.instance(
            self.instance_id)['state'] == 'online')
        return a.json()

    def status(self):
        return request(self.local_url + '/api/system/status').json()

    @property
    def instance_id(self):
        return self.status()['instanceId']

    def cli(self, *args, **kw):
        return subprocess.run(
            [str(BUILD / 'agent/certbus-agent'), args[0], '--state',
             str(self.state), *args[1:]],
            capture_output=True, text=True, timeout=60, **kw)
