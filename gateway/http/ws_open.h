/* SPDX-License-Identifier: MIT */
/* How a WebSocket is opened: RFC 6455 4.2, RFC 8441 5. */

#ifndef SY_GATEWAY_HTTP_WS_OPEN_H
#define SY_GATEWAY_HTTP_WS_OPEN_H

#include <stdbool.h>

struct web_req;

/**
 * Check the handshake and take the upgrade.
 *
 * @param protocol  To name among the client's subprotocols, if it does; or
 *                  NULL.
 * @param deflatep  Set: permessage-deflate was agreed on (RFC 7692).
 *
 * @return 0, EPROTO (answered: what is wrong), ENOMEM.
 */
int ws_open(struct web_req *req, const char *protocol, bool *deflatep);

#endif
