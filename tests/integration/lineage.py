"""Certbot trees as certbot writes them, with certificates of our own."""
import datetime
import os
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CONF = '''version = 2.1.0
archive_dir = {root}/archive/{name}
cert = {root}/live/{name}/cert.pem
privkey = {root}/live/{name}/privkey.pem
chain = {root}/live/{name}/chain.pem
fullchain = {root}/live/{name}/fullchain.pem

# Options used in the renewal process
[renewalparams]
account = 5108ac535a8a57ad932976af089f2d19
authenticator = standalone
server = https://acme.example/dir
key_type = ecdsa
'''


def _name(cn):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cn)])


class Tree:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.logs = self.root.parent / (self.root.name + '-logs')
        for d in ('renewal', 'live', 'archive'):
            (self.root / d).mkdir(parents=True)
        self.logs.mkdir()
        self.ca_key = ec.generate_private_key(ec.SECP256R1())
        self.ca = self._sign('Test CA', self.ca_key.public_key(), 3650, None)
        self.versions = {}

    def _sign(self, cn, public_key, days, sans, start_days_ago=0):
        now = datetime.datetime.utcnow()
        start = now - datetime.timedelta(days=start_days_ago)
        b = (x509.CertificateBuilder().subject_name(_name(cn))
             .issuer_name(_name('Test CA')).public_key(public_key)
             .serial_number(x509.random_serial_number())
             .not_valid_before(start)
             .not_valid_after(start + datetime.timedelta(days=days))
             .add_extension(x509.BasicConstraints(sans is None, None), True))
        if sans:
            b = b.add_extension(x509.SubjectAlternativeName(
                [x509.DNSName(s) for s in sans]), False)
        return b.sign(self.ca_key, hashes.SHA256())

    @staticmethod
    def _pem(cert):
        return cert.public_bytes(serialization.Encoding.PEM)

    def _write_version(self, name, days, sans, start_days_ago):
        n = self.versions[name] = self.versions.get(name, 0) + 1
        key = ec.generate_private_key(ec.SECP256R1())
        cert = self._sign(name, key.public_key(), days, sans, start_days_ago)
        archive = self.root / 'archive' / name
        archive.mkdir(exist_ok=True)
        for kind, data in (('cert', self._pem(cert)),
                           ('chain', self._pem(self.ca)),
                           ('fullchain', self._pem(cert) + self._pem(self.ca))):
            (archive / f'{kind}{n}.pem').write_bytes(data)
        # a key that nobody may open: opening a FIFO to read would block
        os.mkfifo(archive / f'privkey{n}.pem', 0o600)
        live = self.root / 'live' / name
        live.mkdir(exist_ok=True)
        for kind in ('cert', 'chain', 'fullchain', 'privkey'):
            link = live / f'{kind}.pem'
            new = live / f'.{kind}.new'
            new.symlink_to(f'../../archive/{name}/{kind}{n}.pem')
            new.rename(link)
        return cert

    def add(self, name, days=90, sans=None, start_days_ago=0):
        cert = self._write_version(name, days, sans or [name], start_days_ago)
        conf = self.root / 'renewal' / f'{name}.conf'
        new = conf.with_suffix('.new')
        new.write_text(CONF.format(root=self.root, name=name))
        new.rename(conf)
        return format(cert.serial_number, 'x')

    def renew(self, name, days=90, sans=None):
        cert = self._write_version(name, days, sans or [name], 0)
        return format(cert.serial_number, 'x')

    def remove(self, name):
        (self.root / 'renewal' / f'{name}.conf').unlink()
        for top in ('live', 'archive'):
            for f in (self.root / top / name).iterdir():
                f.unlink()
            (self.root / top / name).rmdir()
