// The main job through the client that openapi-generator makes for Go: signs a device in, makes a key, uploads results,
// uses a quota up, reads the bytes back.
//
//	job URL RESULTS RUN
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"os"
	"time"

	"odavl/client"
)

const clientID = "odavl-cli"

func api(url, token string) *client.APIClient {
	settings := client.NewConfiguration()
	settings.Servers = client.ServerConfigurations{{URL: url}}
	if token != "" {
		settings.AddDefaultHeader("Authorization", "Bearer "+token)
	}
	return client.NewAPIClient(settings)
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func ensure(holds bool, found ...any) {
	if !holds {
		log.Panic(found...)
	}
}

// Shows the code, and waits until somebody has approved it.
func signIn(ctx context.Context, url string) string {
	visitor := api(url, "").SignInAPI
	device, _, err := visitor.DeviceCode(ctx).ClientId(clientID).Execute()
	must(err)
	exchange := visitor.Token(ctx).ClientId(clientID).DeviceCode(device.DeviceCode).
		GrantType("urn:ietf:params:oauth:grant-type:device_code")
	_, _, err = exchange.Execute()
	var refused *client.GenericOpenAPIError
	ensure(errors.As(err, &refused), err)
	ensure(refused.Model().(client.OAuthError).Error == "authorization_pending", refused.Model())
	fmt.Println(device.UserCode)
	_, err = bufio.NewReader(os.Stdin).ReadString('\n')
	must(err)
	time.Sleep(time.Duration(device.Interval) * time.Second)
	tokens, _, err := exchange.Execute()
	must(err)
	return tokens.AccessToken
}

func makeKey(ctx context.Context, url string) string {
	person := api(url, signIn(ctx, url))
	_, _, err := person.ProjectsAPI.ProjectCreate(ctx).ProjectRequest(*client.NewProjectRequest("website")).Execute()
	must(err)
	wish := client.NewApiKeyRequest("job", []string{"insight:write", "uploads:write", "usage:write"})
	wish.SetEnvironment(client.ENVIRONMENT_LIVE)
	made, _, err := person.APIKeysAPI.KeyCreate(ctx).ApiKeyRequest(*wish).Execute()
	must(err)
	ensure(made.Key.Environment == "live" && made.Key.ExpiresAt.Get() == nil, made.Key)
	return *made.Secret.Get()
}

// How much was granted, and the refusal after that.
func useUp(ctx context.Context, machine *client.APIClient) (int64, client.Problem) {
	wish := client.NewConsumeRequest("guardian_tests")
	wish.SetUnits(1)
	for granted := int64(0); ; {
		consumed, _, err := machine.UsageAPI.UsageConsume(ctx).ConsumeRequest(*wish).Execute()
		var refused *client.GenericOpenAPIError
		if errors.As(err, &refused) {
			return granted, refused.Model().(client.Problem)
		}
		must(err)
		granted += consumed.Units
	}
}

func main() {
	url, file, run := os.Args[1], os.Args[2], os.Args[3]
	ctx := context.Background()
	results, err := os.ReadFile(file)
	must(err)
	body, err := os.Open(file)
	must(err)
	machine := api(url, makeKey(ctx, url))
	digest := sha256.Sum256(results)
	uploaded, _, err := machine.UploadsAPI.UploadCreate(ctx).Product("insight").Project("website").RunId(run).
		OdavlContentSha256(hex.EncodeToString(digest[:])).Body(body).Execute()
	must(err)
	ensure(uploaded.Upload.Summary.Levels.Warning == 1, uploaded.Upload.Summary)

	usage, _, err := machine.UsageAPI.Usage(ctx).Execute()
	must(err)
	for _, standing := range usage.Limits {
		if standing.Meter == "guardian_tests" {
			ensure(standing.Used == 0 && *standing.Limit.Get() == 20 && standing.KeyId.Get() == nil, standing)
		}
	}

	granted, refused := useUp(ctx, machine)
	ensure(refused.Code == "quota_exceeded" && *refused.Meter == "guardian_tests", refused)
	ensure(granted == 20 && *refused.Limit == 20 && *refused.Used == 20, granted, refused)

	content, _, err := machine.UploadsAPI.UploadContent(ctx, uploaded.Upload.Id).Execute()
	must(err)
	back, err := os.ReadFile(content.Name())
	must(err)
	ensure(bytes.Equal(back, results), len(back))
	fmt.Printf("%d granted, then %s; %d bytes read back\n", granted, refused.Code, len(back))
}
