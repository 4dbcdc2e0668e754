//! What people read: how a language writes numbers, money and dates.

pub mod locale;
