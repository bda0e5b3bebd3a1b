"""The form that a signature may have, looked at before anything is computed from it.

XML signatures can say how the signed text is made of the document: by XPath, by XSLT, of several parts of it, or of
something else. Providers use none of that, only those who forge.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_CONTENT = frozenset({f"{_DS}Object", f"{_DS}Manifest"})
_PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"

_CANONICAL = frozenset(
    {
        "http://www.w3.org/2001/10/xml-exc-c14n#",
        "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315",
        "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
    }
)
_TRANSFORMS = _CANONICAL | {"http://www.w3.org/2000/09/xmldsig#enveloped-signature"}
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_METHODS = frozenset(
    f"{_MORE}{kind}-{digest}" for kind in ("rsa", "ecdsa") for digest in ("sha256", "sha384", "sha512")
)
_DIGESTS = frozenset(
    {
        "http://www.w3.org/2001/04/xmlenc#sha256",
        "http://www.w3.org/2001/04/xmldsig-more#sha384",
        "http://www.w3.org/2001/04/xmlenc#sha512",
    }
)
_SHA1_METHODS = frozenset({"http://www.w3.org/2000/09/xmldsig#rsa-sha1"})
_SHA1_DIGESTS = frozenset({"http://www.w3.org/2000/09/xmldsig#sha1"})


def check_form(document: Any, *, sha1: bool) -> None:
    """ValueError if a document is no answer, or has an unusual signature, or two elements with one name."""
    if document.tag != f"{_PROTOCOL}Response":
        raise ValueError(f"it is no Response, but {document.tag}")
    names = Counter(element.get("ID") for element in document.iter() if element.get("ID") is not None)
    if twice := [name for name, count in names.items() if count > 1]:
        raise ValueError(f"two elements have the ID {twice[0]!r}")
    for signature in document.iter(f"{_DS}Signature"):
        _check_signature(signature, sha1=sha1)


def _check_signature(signature: Any, *, sha1: bool) -> None:
    references = list(signature.iter(f"{_DS}Reference"))
    if len(references) != 1 or references[0].get("URI") != f"#{signature.getparent().get('ID')}":
        raise ValueError("a signature is not of the element that it is in")
    if any(element.tag in _CONTENT for element in signature.iter()):
        raise ValueError("a signature brings content along")
    _check_algorithms(signature, "CanonicalizationMethod", _CANONICAL)
    _check_algorithms(signature, "Transform", _TRANSFORMS)
    _check_algorithms(signature, "SignatureMethod", _METHODS | (_SHA1_METHODS if sha1 else frozenset()))
    _check_algorithms(signature, "DigestMethod", _DIGESTS | (_SHA1_DIGESTS if sha1 else frozenset()))


def _check_algorithms(signature: Any, kind: str, allowed: frozenset[str]) -> None:
    for element in signature.iter(f"{_DS}{kind}"):
        if element.get("Algorithm") not in allowed:
            raise ValueError(f"a signature uses {element.get('Algorithm')!r} as its {kind}")
