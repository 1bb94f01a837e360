-- A page of all subscriptions, by when they lapse, then by id: one that is
-- refreshed meanwhile comes again, none is missed.
-- KEYS  sy:{subs}, sy:{subs}:owner, sy:{subs}:expiry
-- ARGV  expiry [ms] and id of the last one of the page before (0 and '': from
--       the first), how many
-- Returns for each: id, expiry, instance of its router, record.
local from, id, limit = ARGV[1], ARGV[2], tonumber(ARGV[3])
local out, at = {}, 0
while #out < 4 * limit do
	local v = redis.call('ZRANGEBYSCORE', KEYS[3], from, '+inf',
		'WITHSCORES', 'LIMIT', at, limit)
	for i = 1, #v, 2 do
		local rec = redis.call('HGET', KEYS[1], v[i])
		if rec and #out < 4 * limit and
				(v[i + 1] ~= from or v[i] > id) then
			out[#out + 1] = v[i]
			out[#out + 1] = v[i + 1]
			out[#out + 1] = redis.call('HGET', KEYS[2], v[i]) or '0'
			out[#out + 1] = rec
		end
	end
	if #v < 2 * limit then
		break
	end
	at = at + limit
end
return out
