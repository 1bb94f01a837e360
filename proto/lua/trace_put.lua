-- Append SIP messages to a call's trace.  Of too many, or too large ones, the
-- first stay (how it began) and the last (how it ended).
-- KEYS  sy:trace:{H}, a list: bytes of all, then packed TraceMessages
-- ARGV  ttl [s], 0: as it is, or the next where there is none;
--       ttl of a call that goes on [s], most messages, how many of the
--       first stay, most bytes, TraceMessage ...
-- Returns how many were left out.
local key = KEYS[1]
local ttl = tonumber(ARGV[1])
local most, first = tonumber(ARGV[3]), tonumber(ARGV[4])
local room = tonumber(ARGV[5])
local bytes = tonumber(redis.call('LINDEX', key, 0) or '0')
local n = math.max(redis.call('LLEN', key) - 1, 0)
local out = 0
if n == 0 then
	redis.call('DEL', key)
	redis.call('RPUSH', key, '0')
end
for i = 6, #ARGV do
	redis.call('RPUSH', key, ARGV[i])
	bytes = bytes + #ARGV[i]
	n = n + 1
	while n > 1 and (n > most or bytes > room) do
		-- One from the middle.
		local at = math.min(first + 1, math.floor((n + 1) / 2))
		bytes = bytes - #redis.call('LINDEX', key, at)
		redis.call('LSET', key, at, '')
		redis.call('LREM', key, 1, '')
		n = n - 1
		out = out + 1
	end
end
redis.call('LSET', key, 0, tostring(bytes))
if ttl > 0 then
	redis.call('EXPIRE', key, ttl)
elseif redis.call('TTL', key) < 0 then
	redis.call('EXPIRE', key, ARGV[2])
end
return out
