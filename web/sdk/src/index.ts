// SPDX-License-Identifier: MIT
/** Switchyard for browsers: calls from a page, and what happens in the
 * cluster.  README.md has an example. */

export { Phone } from "./phone.js";
export type { PhoneEvents, PhoneOptions, PhoneState } from "./phone.js";
export { Call } from "./call.js";
export type { CallEvents, CallState } from "./call.js";
export type { MediaState } from "./media.js";
export { Connection } from "./connection.js";
export type { ConnectionEvents, ConnectionOptions, ConnectionState }
	from "./connection.js";
export { Feed } from "./feed.js";
export type { FeedHandler, Topic } from "./feed.js";
export { Devices } from "./devices.js";
export type { AudioDevice, DeviceEvents } from "./devices.js";
export { Ringer } from "./ringer.js";
export { SwitchyardError } from "./errors.js";
export type { ErrorCode } from "./errors.js";
export { estimateMos } from "./stats.js";
export type { CallStats } from "./stats.js";
/** Messages as the API and /ws speak them. */
export type * as Schema from "./schema.js";
