/* SPDX-License-Identifier: MIT */
/* The credentials that a trunk's peer asks our requests for. */

#ifndef SY_NODE_APP_ACCOUNT_H
#define SY_NODE_APP_ACCOUNT_H

#include "node/node.h"

/** Of sipua_conf: the account is a trunk's id, arg the node. */
sipua_account_h account_of_trunk;

#endif
