//! How commands are listed: an enum whose every variant says what `--help` calls it, which options it takes, and what runs it.

/// Makes the enum, and `run`, which runs the command that was called.
///
/// ```text
/// subcommands! {
///     pub enum Command {
///         /// What --help says of it
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
