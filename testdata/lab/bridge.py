#!/usr/bin/python3
"""Endpoints with Extended Protection, and the EWS answers behind all of them.

Ours: HTTP, which schemes a port offers, the rule "required" (401 unless the
mechanism says that the channel was bound), the header names and the SOAP of
Exchange. Not ours: every verification. Negotiate and NTLM go to gss-ntlmssp or
MIT krb5 with the binding of the certificate, Basic to the domain's LDAPS.
"""
import base64
import hashlib
import os
import re
import socketserver
import ssl
import uuid
from http.server import BaseHTTPRequestHandler

import gssapi
import ldap3

STATE = os.environ.get("STATE", "/run/ewsprobe-lab")
PKI = STATE + "/pki/"
HOST = "127.0.0.20"
NEGOTIATE, NTLM, BASIC = "Negotiate", "NTLM", 'Basic realm="mail.contoso.lab"'
CHANNEL_BOUND = 0x800  # GSS_C_CHANNEL_BOUND_FLAG

# port: schemes, Extended Protection, certificate
ENDPOINTS = {
    8460: ([NEGOTIATE], "require", "good"),  # NTLM only inside SPNEGO
    8461: ([NEGOTIATE, NTLM, BASIC], "off", "good"),
    8462: ([NEGOTIATE, NTLM], "allow", "good"),
    8463: ([NEGOTIATE, NTLM], "require", "good"),
    8464: ([NEGOTIATE, NTLM, BASIC], "require", "good"),
    8465: ([NEGOTIATE, NTLM], "require", "sha384"),
    8466: ([NEGOTIATE], "off", "good"),
    # behind HAProxy, which shows the certificate "good" to the clients
    8467: ([NEGOTIATE, NTLM], "allow", "node"),
    8468: ([NEGOTIATE, NTLM, BASIC], "allow", "node"),
    8469: ([NEGOTIATE, NTLM, BASIC], "require", "node"),
}

FOUND = """<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>\
<h:ServerVersionInfo MajorVersion="15" MinorVersion="2" MajorBuildNumber="1544" MinorBuildNumber="11" Version="V2017_07_11" \
xmlns:h="http://schemas.microsoft.com/exchange/services/2006/types"/></s:Header><s:Body>\
<m:%(op)sResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types">\
<m:ResponseMessages><m:%(op)sResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>\
<m:RootFolder TotalItemsInView="0" IncludesLastItemInRange="true"><t:%(set)s/></m:RootFolder></m:%(op)sResponseMessage></m:ResponseMessages>\
</m:%(op)sResponse></s:Body></s:Envelope>"""


def binding(certificate):
    """tls-server-end-point, RFC 5929: hashed as the certificate's signature is."""
    with open(PKI + certificate + ".crt") as f:
        der = ssl.PEM_cert_to_DER_cert(f.read())
    digest = hashlib.new("sha384" if certificate == "sha384" else "sha256", der).digest()
    return gssapi.raw.ChannelBindings(application_data=b"tls-server-end-point:" + digest)


def domain_accepts(user, password):
    """A simple bind over LDAPS. An empty password would bind as nobody."""
    if not password:
        return False
    if "\\" not in user and "@" not in user:
        user = "CONTOSO\\" + user
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=PKI + "ca.pem")
    server = ldap3.Server("127.0.0.10", port=636, use_ssl=True, tls=tls, get_info=ldap3.NONE)
    connection = ldap3.Connection(server, user=user, password=password)
    accepted = connection.bind()
    connection.unbind()
    return accepted


class Exchange(BaseHTTPRequestHandler):
    """One connection; a process of its own, since gss-ntlmssp 1.2.0 can crash."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Microsoft-IIS/10.0", ""
    timeout = 60

    def setup(self):
        self.user = self.context = None
        if self.server.tls:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def do_GET(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        offered = [s.split()[0].lower() for s in self.server.schemes]
        if scheme.lower() not in offered:
            return self.answer() if self.user and not scheme else self.refuse()
        self.user = None
        try:
            token = base64.b64decode(value)
            if scheme.lower() == "basic":
                return self.basic(*token.decode().split(":", 1))
            return self.gss(scheme, token)
        except Exception as e:  # whatever a client sends, it is not signed in
            self.log_message("%s: %r", scheme, e)
            self.context = None
            return self.refuse()

    do_POST = do_GET

    def basic(self, user, password):
        if not domain_accepts(user, password):
            return self.refuse()
        self.answer()  # signs in this request only

    def gss(self, scheme, token):
        if token.startswith(b"NTLMSSP\0") and self.server.server_address[1] == 8460:
            return self.refuse()
        if self.context is None or token.startswith(b"NTLMSSP\0\1"):
            self.context = None
            self.credential = gssapi.raw.acquire_cred(None, usage="accept", mechs=mechanisms(token)).creds
        r = gssapi.raw.accept_sec_context(token, self.credential, self.context, self.server.binding)
        self.context = r.context
        if r.more_steps:
            return self.refuse(scheme + " " + base64.b64encode(r.token).decode())
        self.context = None
        if self.server.protection == "require" and not int(r.flags) & CHANNEL_BOUND:
            return self.refuse()
        self.user = str(gssapi.raw.display_name(r.initiator_name, False).name, "utf-8", "replace")
        self.answer(scheme + " " + base64.b64encode(r.token).decode() if r.token else None)

    def refuse(self, challenge=None):
        self.reply(401, b"", [challenge] if challenge else self.server.schemes)

    def answer(self, challenge=None):
        operation = re.search(rb"<(?:\w+:)?(FindFolder|FindItem)\b", self.body)
        op = operation[1].decode() if operation else "FindFolder"
        body = FOUND % {"op": op, "set": "Folders" if op == "FindFolder" else "Items"}
        self.reply(200, body.encode(), [challenge] if challenge else [])

    def reply(self, status, body, challenges):
        self.send_response(status)
        for c in challenges:
            self.send_header("WWW-Authenticate", c)
        self.send_header("X-FEServer", self.server.front_end)
        self.send_header("X-Powered-By", "ASP.NET")
        self.send_header("request-id", str(uuid.uuid4()))
        self.send_header("Content-Type", "text/xml; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def mechanisms(token):
    ntlm = gssapi.OID.from_int_seq("1.3.6.1.4.1.311.2.2.10")
    return [ntlm] if token.startswith(b"NTLMSSP\0") else None


class Backend(Exchange):
    """Behind Apache, which has signed in the user: the answers only."""

    def do_GET(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.answer()

    do_POST = do_GET


class Server(socketserver.ForkingTCPServer):
    allow_reuse_address = True
    max_children = 200
    tls = binding = None
    protection, front_end, schemes = "off", "EX01", ()

    def handle_error(self, request, client_address):
        pass  # a client that went away


def serve(port):
    if port == 8400:
        return Server((HOST, port), Backend)
    server = Server((HOST, port), Exchange)
    server.schemes, server.protection, certificate = ENDPOINTS[port]
    if server.protection != "off":
        server.binding = binding(certificate)
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.tls.load_cert_chain(PKI + certificate + ".crt", PKI + certificate + ".key")
    return server


def main():
    servers = [serve(port) for port in [8400, *ENDPOINTS]]
    for server in servers[1:]:
        if os.fork() == 0:
            server.serve_forever()
    servers[0].serve_forever()


if __name__ == "__main__":
    main()
