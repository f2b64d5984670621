-- The requests that wrk sends, and its report: one line of JSON after the marker REPORT, which load.py reads.
-- Arguments after `--`: none for GET; for POST the body, which contains %NUMBER%.

not_2xx = 0

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
    -- Split once: only the number changes, so that wrk costs little beside the server that it measures.
    local before, after = args[1]:match("^(.-)%%NUMBER%%(.*)$")
    local number = 0
    function request()
        number = number + 1
        return wrk.format(nil, nil, nil, before .. number .. after)
    end
end

-- wrk itself counts errors from status 400 on; a redirect is an error here too.
function response(status)
    if status < 200 or status > 299 then
        not_2xx = not_2xx + 1
    end
end

function done(summary, latency, requests)
    local total_not_2xx = 0
    for _, thread in ipairs(threads) do
        total_not_2xx = total_not_2xx + thread:get("not_2xx")
    end
    local errors = summary.errors
    io.write(string.format(
        '\nREPORT {"requests": %d, "microseconds": %d, "p50": %d, "p90": %d, "p99": %d, "worst": %d, '
            .. '"not_2xx": %d, "connect": %d, "read": %d, "write": %d, "timeout": %d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(90), latency:percentile(99),
        latency.max, total_not_2xx, errors.connect, errors.read, errors.write, errors.timeout
    ))
end
