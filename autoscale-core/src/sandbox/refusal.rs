//! Errors in the form of Heroku's API.

use http::StatusCode;
use serde_json::json;

use super::call::Answer;

/// An error in Heroku's form.
pub(super) fn error(status: u16, id: &str, message: &str) -> Answer {
    let body =
        json!({ "id": id, "message": message, "url": "https://devcenter.heroku.com/articles/platform-api-reference" });
    Answer::json(StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), &body)
}

/// The id that Heroku's documentation gives for a status.
pub(super) fn error_id(status: u16) -> &'static str {
    match status {
        400 => "bad_request",
        401 => "unauthorized",
        402 => "delinquent",
        403 => "forbidden",
        404 => "not_found",
        406 => "not_acceptable",
        409 => "conflict",
        410 => "gone",
        416 => "requested_range_not_satisfiable",
        422 => "invalid_params",
        429 => "rate_limit",
        503 => "service_unavailable",
        _ => "internal_server_error",
    }
}

/// 429 with this `Retry-After`.
pub(super) fn too_many(retry_after: &str) -> Answer {
    error(429, "rate_limit", "Your account reached the API rate limit").with("Retry-After", retry_after)
}
