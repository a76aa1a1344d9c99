"""Secrets in addresses, masked wherever an address is shown or stored: a password, a key, a signature.

An address is read with its secret, and the secret is needed nowhere else. Better, it is in the environment, where the
file systems' own libraries look for it.
"""

import re
from typing import TypeVar

MASK = "***"
USER = re.compile(r"(?<=://)[^/\s?#'\"]*@")
SIGNED = re.compile(  # parameters of signed queries (S3, Google, Azure, SaaS)
    r"(?i)([?&;](?:[\w.-]*(?:signature|credential|security-token|accesskeyid|access_key|accesskey|secret|password|passwd"
    r"|api_?key|token|auth)|sig|key|pwd)=)[^&;\s'\"]+"
)
ENDS = r"(?:\w*_)?(?:SECRET|TOKEN|PASSWORD|PASSWD|PASSPHRASE|CREDENTIALS?|KEY)"  # names of secrets in an environment
# Set to a value, and not to a path or to what another variable or command says.
SET = re.compile(rf"(?i)\b({ENDS})=(?![\"']?[$/`])[\"']?[^\s;\"']")
T = TypeVar("T")


def is_secret_name(name: str) -> bool:
    """Whether a variable is called as secrets are.

    >>> is_secret_name("HF_TOKEN"), is_secret_name("TOKENIZERS_PARALLELISM")
    (True, False)
    """
    return re.fullmatch(ENDS, name, re.IGNORECASE) is not None


def set_secret(line: str) -> str | None:
    """The name of a secret that a line of shell sets to a value; None where there is none.

    >>> set_secret("export HF_TOKEN=abc; source venv/bin/activate")
    'HF_TOKEN'
    """
    named = SET.search(line)
    return named[1] if named else None


def masked(text: str) -> str:
    """The text with `***` in place of user names and passwords in addresses, and of keys in their queries.

    >>> masked("https://ann:pw@host/a.gz?part=1&X-Amz-Signature=0f3")
    'https://***@host/a.gz?part=1&X-Amz-Signature=***'
    """
    if "://" not in text:
        return text
    return SIGNED.sub(rf"\g<1>{MASK}", USER.sub(f"{MASK}@", text))


def masked_all(value: T) -> T:
    """The same for every text in lists and mappings."""
    if isinstance(value, str):
        return masked(value)  # type: ignore[return-value]
    if isinstance(value, dict):
        return {name: masked_all(inner) for name, inner in value.items()}  # type: ignore[return-value]
    if isinstance(value, list | tuple):
        return type(value)(masked_all(inner) for inner in value)
    return value
