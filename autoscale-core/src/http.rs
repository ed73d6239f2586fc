//! One HTTP client: TLS, time-outs, retries with jitter, rate budgets, body cap, redaction.
