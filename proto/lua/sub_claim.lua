-- A router takes over the subscription of one that is gone.
-- KEYS  sy:{subs}, sy:{subs}:owner
-- ARGV  id, instance that had it, instance of the claimer
-- Returns the record, or nil: another one has it.
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then
	return nil
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
return redis.call('HGET', KEYS[1], ARGV[1])
