//! Notices to a webhook (Slack-compatible JSON).
