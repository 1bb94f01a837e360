-- Somebody begins a request that he may send again.
-- KEYS  sy:idem:{P}:K (hash), sy:idem:{P} (zset K's key -> when [ms])
-- ARGV  fingerprint of the request, how long it may take [ms], how long it is
--       remembered [ms], keys of this sender at most
-- Returns {'new'}; {'other'}: the key was for another request; {'running'};
-- {'unknown'}: it began, and nobody has told how it ended; or
-- {'done', status, type, location, body}.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local had = redis.call('HMGET', KEYS[1], 'f', 'until', 's', 't', 'l', 'b')
if had[1] then
	if had[1] ~= ARGV[1] then
		return {'other'}
	elseif had[3] then
		return {'done', had[3], had[4], had[5], had[6]}
	elseif now < tonumber(had[2]) then
		return {'running'}
	end
	return {'unknown'}
end
redis.call('HSET', KEYS[1], 'f', ARGV[1], 'until', now + ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ARGV[3])
redis.call('ZADD', KEYS[2], now, KEYS[1])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
local over = redis.call('ZCARD', KEYS[2]) - ARGV[4]
if over > 0 then
	local old = redis.call('ZPOPMIN', KEYS[2], over)
	for i = 1, #old, 2 do
		redis.call('DEL', old[i])
	end
end
return {'new'}
