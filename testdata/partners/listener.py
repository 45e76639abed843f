"""The far ends of notifications: an SMTP server with STARTTLS and AUTH, and a place
for web hooks. What they are sent goes to files in a folder.

listener.py FOLDER CERTIFICATE KEY SMTP-PORT
"""
import json
import os
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

folder, certificate, key, port = sys.argv[1:]
lock = threading.Lock()


def note(name, text):
    with lock, open(f"{folder}/{name}", "a", encoding="utf-8") as f:
        f.write(text + "\n")


class Mails:
    async def handle_DATA(self, server, session, envelope):
        note("mails", f"TO {','.join(envelope.rcpt_tos)} TLS {session.ssl is not None}\n" + envelope.content.decode())
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    good = data.login == b"probe" and data.password == b"Sm7p!secret"
    return AuthResult(success=good, handled=good)


class Hooks(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        note("hooks", json.dumps({"path": self.path, "body": json.loads(body)}))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(certificate, key)


class Mailer(Controller):
    def factory(self):
        return SMTP(self.handler, tls_context=tls, require_starttls=True, auth_required=True, authenticator=authenticate)


mailer = Mailer(Mails(), hostname="127.0.0.1", port=int(port))  # it does not take 0
mailer.start()
hooks = ThreadingHTTPServer(("127.0.0.1", 0), Hooks)
with open(f"{folder}/port.new", "w", encoding="utf-8") as f:
    f.write(f"{hooks.server_port}\n")
os.rename(f"{folder}/port.new", f"{folder}/port")
hooks.serve_forever()
