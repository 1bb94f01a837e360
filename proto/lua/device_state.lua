-- Changes what a phone or the API set of a device while it runs.
-- KEYS  sy:device:{ID}
-- ARGV  pairs of field and value.  Fields: dnd, always, busy, no_answer,
--       unreachable, no_answer_s.  dnd's value is 1, 0, or what it is now and
--       is to be turned round: toggle1, toggle0 if it was never set.  Value
--       'unset' of a field: as configured again.
-- Returns all pairs that are set now.
for i = 1, #ARGV, 2 do
	local field, value = ARGV[i], ARGV[i + 1]
	local default = string.match(value, '^toggle([01])$')
	if default then
		local now = redis.call('HGET', KEYS[1], field) or default
		value = now == '1' and '0' or '1'
	end
	if value == 'unset' then
		redis.call('HDEL', KEYS[1], field)
	else
		redis.call('HSET', KEYS[1], field, value)
	end
end
return redis.call('HGETALL', KEYS[1])
