-- Lift bans, and forget that there were any.
-- KEYS  sy:{bans}, sy:{bans}:until
-- ARGV  id of a ban; of a source: also those of its users
-- Returns {0, since_ms, until_ms, count, packed Ban, ...}: what was lifted.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local out, head = {0}, ARGV[1] .. ','
for _, id in ipairs(redis.call('HKEYS', KEYS[1])) do
	if id == ARGV[1] or string.sub(id, 1, #head) == head then
		local since, til, n, rest =
			string.match(redis.call('HGET', KEYS[1], id),
				     '^(%d+) (%d+) (%d+)\n(.*)$')
		if tonumber(til) > now then
			for _, v in ipairs({since, til, n, rest}) do
				out[#out + 1] = v
			end
		end
		redis.call('HDEL', KEYS[1], id)
		redis.call('ZREM', KEYS[2], id)
	end
end
return out
