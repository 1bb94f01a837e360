/* SPDX-License-Identifier: MIT */
/* What a hub is told of where it goes and who calls, copied, and printed as it
 * is shown: see hub.h. */

#include "node/hub/hub.h"
#include "proto/schema_copy.h"

int hub_destination_copy(Sy__Destination **dp, const Sy__Destination *dest)
{
	*dp = schema_copy(&dest->base);

	return *dp ? 0 : ENOMEM;
}

int hub_source_copy(Sy__Source **sp, const Sy__Source *src)
{
	*sp = schema_copy(&src->base);

	return *sp ? 0 : ENOMEM;
}

void hub_destination_print(char *buf, size_t size,
			   const Sy__Destination *dest)
{
	switch (dest ? dest->kind_case : SY__DESTINATION__KIND__NOT_SET) {

	case SY__DESTINATION__KIND_DEVICE:
		re_snprintf(buf, size, "device:%s", dest->device);
		break;
	case SY__DESTINATION__KIND_CONFERENCE:
		re_snprintf(buf, size, "conference:%s", dest->conference);
		break;
	case SY__DESTINATION__KIND_ECHO:
		re_snprintf(buf, size, "echo");
		break;
	case SY__DESTINATION__KIND_TONE:
		re_snprintf(buf, size, "tone:%u",
			    (unsigned)dest->tone->hz);
		break;
	case SY__DESTINATION__KIND_FILE:
		re_snprintf(buf, size, "file:%s", dest->file);
		break;
	case SY__DESTINATION__KIND_EXTERNAL:
		re_snprintf(buf, size, "external:%s/%s",
			    dest->external->trunk, dest->external->number);
		break;
	case SY__DESTINATION__KIND_GROUP:
		re_snprintf(buf, size, "group:%s", dest->group);
		break;
	case SY__DESTINATION__KIND_PICKUP:
		re_snprintf(buf, size, "pickup:%s", dest->pickup);
		break;
	case SY__DESTINATION__KIND_FEATURE:
		re_snprintf(buf, size, "feature:%d", dest->feature->code);
		break;
	default:
		re_snprintf(buf, size, "");
		break;
	}
}
