//! What every program needs that speaks to a service: where it is, one way to speak HTTP, what failed, when to try
//! again, and the bytes on their way to and from the store. And what carries webhooks.

pub mod courier;
pub mod digests;
pub mod failure;
pub mod http;
pub mod origin;
pub mod retry;
pub mod transfer;
