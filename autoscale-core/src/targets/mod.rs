pub(crate) mod heroku;
