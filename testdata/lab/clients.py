#!/usr/bin/python3
"""What other clients get at the same endpoints, one line each; a one-off.

Needs the laboratory, curl, python3-requests-ntlm, python3-exchangelib. Cells:
the HTTP status or error, with the password right / wrong, and behind + the bad
logons that the domain counted for the wrong one.
"""
import os
import socket
import subprocess
import sys
import warnings

import accounts

CA = accounts.STATE + "/pki/ca.pem"
os.environ["REQUESTS_CA_BUNDLE"] = CA
os.environ["KRB5_CONFIG"] = os.path.dirname(os.path.abspath(__file__)) + "/krb5.conf"
from cryptography.hazmat.backends.openssl import backend  # noqa: E402,F401  MD4 for python3-ntlm-auth
import exchangelib  # noqa: E402
import exchangelib.protocol  # noqa: E402
import requests  # noqa: E402
import requests_ntlm  # noqa: E402

GOOD, BAD = ("svc-crm", accounts.PASSWORD), ("svc-victim", "Wr0ng!password")
BODY = b"""<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body/></s:Envelope>"""
ENDPOINTS = {
    "all": 8441, "windows": 8442, "basic": 8443, "kerberos": 8444, "form": 8446, "forbidden": 8447, "tls10": 8454,
    "ep-off-basic": 8461, "ep-allow": 8462, "ep-require": 8463, "ep-require-basic": 8464, "ep-require-sha384": 8465, "negotiate": 8466,
    "bridged": 8471, "bridged-basic": 8472, "bridged-require": 8473, "balanced": 8474, "closing": 8476, "unkept": 8477,
}

# Every state of an account, at three endpoints, with the password that is right.
STATES = ["svc-crm", "svc-nosuch", "svc-locked", "svc-disabled", "svc-expired", "svc-password-expired", "svc-must-change", "svc-hours",
          "svc-workstation", "svc-protected", "svc-smartcard", "svc-unicode"]
AT = ["all", "basic", "windows"]

resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *a, **k: resolve("127.0.0.20" if host == "mail.contoso.lab" else host, *a, **k)


def curl(scheme):
    def run(port, url, user, password):
        r = subprocess.run(["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", "--max-time", "20", "--cacert", CA, scheme,
                            "--resolve", f"mail.contoso.lab:{port}:127.0.0.20", "-K", "-", "--data-binary", BODY.decode(), url],
                           input=f'user = "{user}@contoso.lab:{password}"', capture_output=True, text=True)
        return r.stdout if r.stdout != "000" else f"error {r.returncode}"
    return run


def ntlm(port, url, user, password):
    return str(requests.post(url, BODY, auth=requests_ntlm.HttpNtlmAuth(user + "@contoso.lab", password), timeout=20).status_code)


def exchange(port, url, user, password):
    """Its own choice of the scheme, then one request through its session."""
    version = exchangelib.Version(exchangelib.version.EXCHANGE_2019)
    protocol = exchangelib.protocol.Protocol(config=exchangelib.Configuration(
        service_endpoint=url, credentials=exchangelib.Credentials(user + "@contoso.lab", password), version=version))
    scheme = protocol.auth_type
    session = protocol.get_session()
    try:
        return f"{session.post(url, BODY, timeout=20).status_code} {scheme}"
    finally:
        session.close()


CLIENTS = {"curl --basic": curl("--basic"), "curl --ntlm": curl("--ntlm"), "curl --anyauth": curl("--anyauth"),
           "requests-ntlm": ntlm, "exchangelib": exchange}


def attempt(client, port, account):
    try:
        return client(port, f"https://mail.contoso.lab:{port}/EWS/Exchange.asmx", *account)
    except Exception as e:
        return type(e).__name__


def main():
    warnings.simplefilter("ignore")
    sam, _ = accounts.database()
    only = sys.argv[1:]
    print("| endpoint | " + " | ".join(CLIENTS) + " |\n|" + " --- |" * (len(CLIENTS) + 1))
    for name, port in ENDPOINTS.items():
        if only and name not in only:
            continue
        cells = []
        for client in CLIENTS.values():
            good = attempt(client, port, GOOD)
            accounts.unlock(sam, BAD[0])
            bad = attempt(client, port, BAD)
            cells.append(f"{good} / {bad} +{accounts.get(sam, BAD[0])}")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    if only:
        return
    print("\n| account, at " + " / ".join(AT) + " | " + " | ".join(CLIENTS) + " |\n|" + " --- |" * (len(CLIENTS) + 1))
    for name in STATES:
        password = accounts.UNICODE if name == "svc-unicode" else accounts.PASSWORD
        cells = [" / ".join(attempt(client, ENDPOINTS[e], (name, password)) for e in AT) for client in CLIENTS.values()]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
        if name not in ("svc-nosuch", "svc-locked"):
            accounts.unlock(sam, name)


if __name__ == "__main__":
    main()
