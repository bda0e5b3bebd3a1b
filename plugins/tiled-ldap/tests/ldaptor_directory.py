"""A directory on ldaptor, in a process of its own: `ldaptor_directory.py LDIF CERTIFICATE KEY`.

It listens on two free ports of 127.0.0.1, prints them (LDAP, LDAPS) and serves until it is ended.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from ldaptor.inmemory import fromLDIFFile
from ldaptor.interfaces import IConnectedLDAPEntry
from ldaptor.protocols import pureldap
from ldaptor.protocols.ldap.ldapserver import LDAPServer
from twisted.internet import reactor, ssl
from twisted.internet.protocol import ServerFactory
from twisted.python.components import registerAdapter


class Server(LDAPServer):
    """ldaptor's server, and StartTLS, of which ldaptor has the client's half."""

    def extendedRequest_StartTLS(self, _data, reply):  # noqa: N802 - the name by which it is found
        reply(pureldap.LDAPStartTLSResponse(resultCode=0))
        self.transport.startTLS(self.factory.tls)

    extendedRequest_StartTLS.oid = pureldap.LDAPStartTLSRequest.oid


class Factory(ServerFactory):
    protocol = Server

    def __init__(self, root, tls):
        self.root = root
        self.tls = tls


def listen(root, certificate: str, key: str) -> None:
    tls = ssl.DefaultOpenSSLContextFactory(key, certificate)
    factory = Factory(root, tls)
    ports = (
        reactor.listenTCP(0, factory, interface="127.0.0.1"),
        reactor.listenSSL(0, factory, tls, interface="127.0.0.1"),
    )
    print(*(port.getHost().port for port in ports), flush=True)  # noqa: T201 - for whoever started it


def main(ldif: str, certificate: str, key: str) -> None:
    registerAdapter(lambda factory: factory.root, Factory, IConnectedLDAPEntry)
    entries = BytesIO(Path(ldif).read_bytes() + b"\n")  # it wants an empty line behind the last one, too
    fromLDIFFile(entries).addCallback(listen, certificate, key)
    reactor.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
