-- How a request ended that its sender may send again.
-- KEYS  sy:idem:{P}:K (hash), sy:idem:{P} (zset)
-- ARGV  fingerprint; nothing more: it was not done, and may be sent again;
--       'unknown': nobody knows whether it was done; or status, type,
--       location, body
-- Returns 1; 0: it is not this request's key (any more).
if redis.call('HGET', KEYS[1], 'f') ~= ARGV[1] then
	return 0
end
if not ARGV[2] then
	redis.call('DEL', KEYS[1])
	redis.call('ZREM', KEYS[2], KEYS[1])
elseif ARGV[2] == 'unknown' then
	redis.call('HSET', KEYS[1], 'until', 0)
else
	redis.call('HSET', KEYS[1], 's', ARGV[2], 't', ARGV[3], 'l', ARGV[4],
		'b', ARGV[5])
end
return 1
