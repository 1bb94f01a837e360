-- Changes one item of the configuration, if it is the revision that the
-- caller knows and has checked the change against.
-- KEYS  sy:{config}, the key of the item's section
-- ARGV  that revision; id ('': the section is one record, settings); record
--       ('': the item is removed)
-- Returns {1, new revision, stamp of what was changed, new stamp}, or
-- {0, the revision that is there}.  A stamp is of one content alone, which a
-- revision is not where Redis has lost some of them.
local rev = redis.call('HGET', KEYS[1], 'revision') or '0'
if rev == '0' or ARGV[1] ~= rev then
	return {0, rev}
end
if ARGV[2] == '' then
	redis.call('SET', KEYS[2], ARGV[3])
elseif ARGV[3] == '' then
	redis.call('HDEL', KEYS[2], ARGV[2])
else
	redis.call('HSET', KEYS[2], ARGV[2], ARGV[3])
end
local before = redis.call('HGET', KEYS[1], 'stamp') or ''
local now = redis.call('TIME')
local stamp = rev .. '.' .. now[1] .. '.' .. now[2]
redis.call('HDEL', KEYS[1], 'again')
redis.call('HSET', KEYS[1], 'stamp', stamp)
return {1, tostring(redis.call('HINCRBY', KEYS[1], 'revision', 1)), before,
	stamp}
