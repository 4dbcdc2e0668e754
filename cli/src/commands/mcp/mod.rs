//! `tidings mcp`: the operator's commands as tools of the Model Context Protocol, over standard input and output.
//!
//! Promises: a tool parses its arguments as its command does, and calls the function behind the command's `--json`. Standard
//! output carries the protocol alone. Everything that an event may have brought stands in a fence. Tools that write exist only
//! with `--allow-write`, begin with a dry run, and apply a change only with the token of that dry run.

mod confirmations;
mod schema;
mod server;
mod tools;

use crate::Failure;
use crate::style::say_aside;
use crate::target::Place;
use clap::Args;
use rmcp::ServiceExt as _;
use server::Server;
use std::process::ExitCode;

#[derive(Debug, Args)]
#[command(
    after_help = "For an MCP client, which starts it: docs/mcp.md has configurations. It reads the protocol from standard input until its \
        end.\n\nExamples:\n  \
        tidings mcp                                  a running `tidings dev`\n  \
        tidings mcp --stack tidings --region eu-central-1\n  \
        tidings mcp --stack tidings --allow-write"
)]
pub struct McpOptions {
    /// Also offer tools that write: each is a dry run first, and applies its change only with the token of that dry run
    #[arg(long)]
    pub allow_write: bool,
    #[command(flatten)]
    pub at: Place,
}

pub(crate) async fn run(options: McpOptions) -> Result<ExitCode, Failure> {
    say_aside();
    let failed = |error: &dyn std::fmt::Display| Failure::new(format!("the MCP client: {error}"));
    let server = Server::new(options.at, options.allow_write);
    let running = server.serve(rmcp::transport::stdio()).await.map_err(|error| failed(&error))?;
    running.waiting().await.map_err(|error| failed(&error))?;
    Ok(ExitCode::SUCCESS)
}
