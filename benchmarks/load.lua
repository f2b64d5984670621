-- What wrk sends, and what it reports back: one line of JSON after the marker, for load.py to read.
-- Arguments after `--`: none for GET; for POST the body with %NUMBER% in it.

bad = 0

local threads = {}

function setup(thread)
    table.insert(threads, thread)
end

function init(args)
    if not args[1] then
        return
    end
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    -- Split once: only the number changes, so that wrk stays cheap next to the server it measures.
    local before, after = args[1]:match("^(.-)%%NUMBER%%(.*)$")
    local number = 0
    function request()
        number = number + 1
        return wrk.format(nil, nil, nil, before .. number .. after)
    end
end

-- wrk's own count of bad answers starts at 400; a redirect is no answer either.
function response(status)
    if status < 200 or status > 299 then
        bad = bad + 1
    end
end

function done(summary, latency, requests)
    local not_2xx = 0
    for _, thread in ipairs(threads) do
        not_2xx = not_2xx + thread:get("bad")
    end
    local errors = summary.errors
    io.write(string.format(
        '\nREPORT {"requests": %d, "microseconds": %d, "p50": %d, "p90": %d, "p99": %d, "worst": %d, '
            .. '"not_2xx": %d, "connect": %d, "read": %d, "write": %d, "timeout": %d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(90), latency:percentile(99),
        latency.max, not_2xx, errors.connect, errors.read, errors.write, errors.timeout
    ))
end
