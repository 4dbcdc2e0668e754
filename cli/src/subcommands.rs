//! Declares commands: an enum in which each variant has its `--help` text, its options and its function.

/// Defines the enum, and `run`, which runs the called command.
///
/// ```text
/// subcommands! {
///     pub enum Command {
///         /// The text of --help
///         Build(options: BuildOptions) => build::run(options),
///     }
/// }
/// ```
macro_rules! subcommands {
    ($(#[$of_enum:meta])* pub enum $name:ident {
        $($(#[$of_command:meta])* $command:ident($options:ident: $type:ty) => $run:expr,)+
    }) => {
        $(#[$of_enum])*
        #[derive(Debug, clap::Subcommand)]
        pub enum $name {
            $($(#[$of_command])* $command($type),)+
        }

        impl $name {
            pub(crate) async fn run(self) -> Result<std::process::ExitCode, $crate::Failure> {
                match self {
                    $(Self::$command($options) => $run,)+
                }
            }
        }
    };
}

pub(crate) use subcommands;
