"""The one place that imports ldap3, which uses names that pyasn1 is about to drop."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import ldap3
    from ldap3.core.exceptions import (
        LDAPExceptionError,
        LDAPInvalidDnError,
        LDAPInvalidFilterError,
        LDAPSASLPrepError,
    )
    from ldap3.core.tls import Tls
    from ldap3.operation.search import parse_filter
    from ldap3.utils.dn import parse_dn

__all__ = [
    "LDAPExceptionError",
    "LDAPInvalidDnError",
    "LDAPInvalidFilterError",
    "LDAPSASLPrepError",
    "Tls",
    "ldap3",
    "parse_dn",
    "parse_filter",
]
