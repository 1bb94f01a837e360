-- Work that one process does at a time: take it, renew it, give it back.
-- KEYS  sy:lease:{NAME} (string: who has it)
-- ARGV  'take' (renews as well) or 'give', who, lease [ms]
-- Returns 1: who has it (had it); 0: another one has it.
local has = redis.call('GET', KEYS[1])
if has and has ~= ARGV[2] then
	return 0
end
if ARGV[1] == 'give' then
	return redis.call('DEL', KEYS[1])
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
