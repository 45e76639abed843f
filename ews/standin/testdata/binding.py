# Posts by NTLM with requests-ntlm to each URL: with the channel binding of the
# certificate that it sees, and without. Body, user and password come first.
import sys
import warnings

import requests
from cryptography.hazmat.backends import default_backend
from requests_ntlm import HttpNtlmAuth

default_backend()  # OpenSSL has MD4 only in what this loads
warnings.simplefilter("ignore")
body, user, password = sys.argv[1:4]
for url in sys.argv[4:]:
    statuses = []
    for bound in (True, False):
        session = requests.Session()
        session.verify, session.trust_env = False, False
        session.auth = HttpNtlmAuth(user, password, send_cbt=bound)
        answer = session.post(url, data=body, headers={"Content-Type": "text/xml"}, timeout=60)
        statuses.append(str(answer.status_code))
    print(" ".join(statuses))
