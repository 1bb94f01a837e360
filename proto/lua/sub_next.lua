-- The next NOTIFY of a subscription, if it is still the caller's; or its end.
-- KEYS  sy:{subs}, sy:{subs}:owner, sy:{subs}:seq, sy:{subs}:expiry
-- ARGV  id, instance of the router, '1' to forget it instead
-- Returns the CSeq of the NOTIFY (its version is one less), 0 when another
-- router has it or it is gone.
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then
	return 0
end
local seq = redis.call('HINCRBY', KEYS[3], ARGV[1], 1)
if ARGV[3] == '1' then
	local of = KEYS[1] .. ':of'
	local who = redis.call('HGET', of, 'id:' .. ARGV[1])
	for i = 1, 3 do
		redis.call('HDEL', KEYS[i], ARGV[1])
	end
	redis.call('ZREM', KEYS[4], ARGV[1])
	redis.call('HDEL', of, 'id:' .. ARGV[1])
	if who and redis.call('HINCRBY', of, who, -1) <= 0 then
		redis.call('HDEL', of, who)
	end
end
return seq
