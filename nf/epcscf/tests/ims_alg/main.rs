//! The IMS-ALG between a WIC and the core, driven to the end of each offer and answer.

mod bootstrap;
mod calls;
mod changes;
mod data_channels;
mod edge;
mod forks;
mod properties;
mod refusals;
