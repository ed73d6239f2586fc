//! A loopback server that speaks Heroku's and Pingdom's APIs over a simulated app.
