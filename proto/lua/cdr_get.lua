-- The record of a call.
-- KEYS  sy:cdr (stream), {sy:cdr}:seen (see cdr_put.lua)
-- ARGV  hub id
-- Returns the entries of the millisecond in which it was written: that call's
-- is one of them; none: there is no record (any more).
local ms = redis.call('ZSCORE', KEYS[2], ARGV[1])
if not ms then
	return {}
end
return redis.call('XRANGE', KEYS[1], string.format('%.0f', ms),
	string.format('%.0f', ms), 'COUNT', 1000)
