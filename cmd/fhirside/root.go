package main

import "github.com/spf13/cobra"

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "fhirside",
		Short:         "A FHIR R4 server for clinics and their patients' apps",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(serveCommand(), loadCommand(), demoCommand(), purgeCommand(), reindexCommand(), copyCommand(), userCommand(), clientCommand(), launchCommand(), tokenCommand(), keyCommand(), healthCommand(), versionCommand())
	root.SetFlagErrorFunc(flagError)
	return root
}
