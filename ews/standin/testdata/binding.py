# One POST by NTLM with requests-ntlm, whose response carries the channel binding of
# the certificate that it sees, or none.
import os
import sys
import warnings

import requests
from requests_ntlm import HttpNtlmAuth

warnings.simplefilter("ignore")
url, user, password, send = sys.argv[1:]
session = requests.Session()
session.verify, session.trust_env = False, False
session.auth = HttpNtlmAuth(user, password, send_cbt=send == "bound")
answer = session.post(url, data=os.environ["BODY"], headers={"Content-Type": "text/xml"}, timeout=60)
print(answer.status_code)
