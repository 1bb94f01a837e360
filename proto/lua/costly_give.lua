-- A costly call has ended.
-- KEYS  sy:costly:{ACCOUNT}:now, as in costly_take.lua
-- ARGV  call
-- Returns how many were there (0, 1).
return redis.call('ZREM', KEYS[1], ARGV[1])
