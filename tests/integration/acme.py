"""A real CA (Pebble) with real validation, and a real certbot, on free ports."""
import json
import os
import pathlib
import socket
import subprocess

from processes import wait_for


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Pebble:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        self.port, self.http_port, self.dns_port = (
            free_port(), free_port(), free_port(socket.SOCK_DGRAM))
        self.children = []
        self._certificate()
        (self.folder / 'pebble.json').write_text(json.dumps({'pebble': {
            'listenAddress': f'127.0.0.1:{self.port}',
            'managementListenAddress': f'127.0.0.1:{free_port()}',
            'certificate': str(self.folder / 'cert.pem'),
            'privateKey': str(self.folder / 'key.pem'),
            'httpPort': self.http_port, 'tlsPort': free_port(),
            'ocspResponderURL': '',
            'externalAccountBindingRequired': False}}))

    def _certificate(self):
        subprocess.run(
            ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
             'ec_paramgen_curve:P-256', '-nodes', '-keyout',
             str(self.folder / 'key.pem'), '-out',
             str(self.folder / 'cert.pem'), '-days', '30', '-subj',
             '/CN=localhost', '-addext',
             'subjectAltName=DNS:localhost,IP:127.0.0.1'],
            check=True, capture_output=True)

    def _spawn(self, *argv):
        log = open(self.folder / (pathlib.Path(argv[0]).name + '.log'), 'ab')
        # no sleeping, and no nonces refused at random
        env = {**os.environ, 'PEBBLE_VA_NOSLEEP': '1',
               'PEBBLE_WFE_NONCEREJECT': '0'}
        self.children.append(subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env))

    def start(self):
        self._spawn('pebble-challtestsrv', '-dns01',
                    f'127.0.0.1:{self.dns_port}', '-http01', '', '-https01',
                    '', '-tlsalpn01', '', '-management',
                    f'127.0.0.1:{free_port()}', '-defaultIPv4', '127.0.0.1',
                    '-defaultIPv6', '')
        self._spawn('pebble', '-config', str(self.folder / 'pebble.json'),
                    '-dnsserver', f'127.0.0.1:{self.dns_port}')
        wait_for('pebble', lambda: not socket.create_connection(
            ('127.0.0.1', self.port), 1).close())

    def stop(self):
        for c in self.children:
            c.kill()
            c.wait()
        self.children = []


class Certbot:
    """The tool itself, on its own config, work and logs directories."""

    def __init__(self, folder, pebble):
        self.folder = pathlib.Path(folder)
        self.pebble = pebble
        self.root, self.logs = self.folder / 'config', self.folder / 'logs'

    def run(self, *args, check=True):
        done = subprocess.run(
            ['certbot', *args, '--config-dir', str(self.root), '--work-dir',
             str(self.folder / 'work'), '--logs-dir', str(self.logs),
             '--server', f'https://localhost:{self.pebble.port}/dir', '-n'],
            capture_output=True, text=True, timeout=180,
            env={**os.environ,
                 'REQUESTS_CA_BUNDLE': str(self.pebble.folder / 'cert.pem')})
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def issue(self, name):
        self.run('certonly', '--standalone', '--http-01-port',
                 str(self.pebble.http_port), '--agree-tos', '-m',
                 'ops@example.com', '-d', name)

    def renew(self, check=True):
        return self.run('renew', '--force-renewal', '--no-random-sleep-on-renew',
                        check=check)
