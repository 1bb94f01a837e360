# SPDX-License-Identifier: MIT
"""The router: calls as stateless forwarder, REGISTERs, and what a contact and
a TLS connection hold, beside Kamailio in the same run; what it costs to ask
whether contacts are there."""

import router_calls
import router_held
import router_qualify
import router_registers

PARTS = {"calls": router_calls.calls, "registers": router_registers.registers,
         "contacts": router_held.contacts, "tls": router_held.tls,
         "qualify": router_qualify.qualify}


def router(show, options):
    for name, part in PARTS.items():
        if options.only in (None, name):
            part(show)
