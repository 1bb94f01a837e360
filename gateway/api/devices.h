/* SPDX-License-Identifier: MIT */
/* A device as the API shows it. */

#ifndef SY_GATEWAY_API_DEVICES_H
#define SY_GATEWAY_API_DEVICES_H

#include "gateway/api/api.h"
#include "proto/store_device.h"

/** The message, with what it points to. */
struct device_shown {
	Sy__DeviceState msg;
	Sy__Forward forward;
	char *changed[STORE_FORWARDS + 2];
};

/** What is in force for it. @param dev, st  Borrowed as long as s is used. */
void device_show(struct device_shown *s, const Sy__Device *dev,
		 const struct store_device *st);

#endif
